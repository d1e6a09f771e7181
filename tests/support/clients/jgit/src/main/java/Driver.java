import java.io.File;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.jgit.api.CloneCommand;
import org.eclipse.jgit.api.FetchCommand;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.api.PushCommand;
import org.eclipse.jgit.api.TransportCommand;
import org.eclipse.jgit.api.errors.TransportException;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.transport.PushResult;
import org.eclipse.jgit.transport.RefSpec;
import org.eclipse.jgit.transport.RemoteRefUpdate;
import org.eclipse.jgit.transport.TagOpt;
import org.eclipse.jgit.transport.UsernamePasswordCredentialsProvider;
import org.eclipse.jgit.util.FileUtils;
import org.eclipse.jgit.util.SystemReader;

/** JGit, with the command line of ../client.py. */
public final class Driver {
    private static final int FAILED = 1;
    private static final int REFUSED = 2;
    private static final int UNSHALLOW = Integer.MAX_VALUE;

    private final Map<String, String> options = new HashMap<>();
    private final List<String> words = new ArrayList<>();

    public static void main(String[] arguments) {
        try {
            new Driver(arguments).run();
        } catch (Exception error) {
            System.err.println(error);
            System.exit(String.valueOf(error.getMessage()).contains("not authorized") ? REFUSED : FAILED);
        }
    }

    private Driver(String[] arguments) {
        for (String argument : arguments) {
            if (argument.startsWith("--")) {
                String[] parts = argument.substring(2).split("=", 2);
                options.put(parts[0], parts.length == 2 ? parts[1] : "");
            } else {
                words.add(argument);
            }
        }
    }

    private void run() throws Exception {
        chooseProtocol();
        String verb = words.remove(0);
        switch (verb) {
            case "clone" -> cloneRepository(words.get(0), words.get(1));
            case "fetch" -> fetch(words.get(0));
            case "push" -> push(words.get(0), words.subList(1, words.size()));
            case "list" -> list(words.get(0));
            default -> throw new IllegalArgumentException(verb);
        }
    }

    private void chooseProtocol() throws Exception {
        if (options.containsKey("protocol")) {
            var settings = SystemReader.getInstance().getUserConfig();
            settings.setString("protocol", null, "version", options.get("protocol"));
            settings.save();
        }
    }

    private void cloneRepository(String url, String path) throws Exception {
        CloneCommand command = Git.cloneRepository().setURI(url).setDirectory(new File(path)).setNoCheckout(true);
        if (options.containsKey("depth")) {
            command.setDepth(depth());
        }
        authorized(command.setTagOption(TagOpt.FETCH_TAGS)).call().close();
    }

    private void fetch(String path) throws Exception {
        try (Git git = Git.open(new File(path))) {
            FetchCommand command = git.fetch().setTagOpt(TagOpt.FETCH_TAGS);
            if (options.containsKey("depth") && depth() == UNSHALLOW) {
                command.setUnshallow(true);
            } else if (options.containsKey("depth")) {
                command.setDepth(depth());
            }
            authorized(command).call();
        }
    }

    private void push(String path, List<String> refspecs) throws Exception {
        try (Git git = Git.open(new File(path))) {
            PushCommand command = git.push().setForce(options.containsKey("force"));
            command.setRefSpecs(refspecs.stream().map(RefSpec::new).toList());
            for (PushResult result : authorized(command).call()) {
                check(result);
            }
        }
    }

    private static void check(PushResult result) throws TransportException {
        for (RemoteRefUpdate update : result.getRemoteUpdates()) {
            switch (update.getStatus()) {
                case OK, UP_TO_DATE -> { }
                default -> throw new TransportException(update.toString());
            }
        }
    }

    private void list(String url) throws Exception {
        // Without a repository no setting counts.
        File folder = Files.createTempDirectory("jgit").toFile();
        try (Git git = Git.init().setBare(true).setDirectory(folder).call()) {
            for (Ref ref : authorized(git.lsRemote().setRemote(url)).call()) {
                System.out.println(ref.getObjectId().name() + " " + ref.getName());
            }
        } finally {
            FileUtils.delete(folder, FileUtils.RECURSIVE);
        }
    }

    private int depth() {
        return Integer.parseInt(options.get("depth"));
    }

    private <C extends TransportCommand<C, ?>> C authorized(C command) {
        if (options.containsKey("token")) {
            command.setCredentialsProvider(new UsernamePasswordCredentialsProvider("x", options.get("token")));
        }
        return command;
    }
}
