// go-git, with the command line of ../client.py.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

const (
	failed  = 1
	refused = 2
)

var (
	token    = flag.String("token", "", "the password")
	depth    = flag.Int("depth", 0, "commits from each tip")
	protocol = flag.Int("protocol", 0, "version of the wire")
	force    = flag.Bool("force", false, "push what is no fast-forward")
)

func main() {
	flag.Parse()
	if err := run(flag.Arg(0), flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(status(err))
	}
}

func run(verb string, words []string) error {
	if *protocol != 0 {
		return errors.New("go-git speaks protocol version 0 only")
	}
	switch verb {
	case "clone":
		return clone(words[0], words[1])
	case "fetch":
		return fetch(words[0])
	case "push":
		return push(words[0], words[1:])
	case "list":
		return list(words[0])
	}
	return fmt.Errorf("no verb: %s", verb)
}

func clone(url, path string) error {
	_, err := git.PlainClone(path, false, &git.CloneOptions{
		URL: url, Auth: auth(), Depth: *depth, Tags: git.AllTags, NoCheckout: true,
	})
	return err
}

func fetch(path string) error {
	repository, err := git.PlainOpen(path)
	if err != nil {
		return err
	}
	err = repository.Fetch(&git.FetchOptions{Auth: auth(), Depth: *depth, Tags: git.AllTags})
	if errors.Is(err, git.NoErrAlreadyUpToDate) {
		return nil
	}
	return err
}

func push(path string, refspecs []string) error {
	repository, err := git.PlainOpen(path)
	if err != nil {
		return err
	}
	options := git.PushOptions{Auth: auth(), Force: *force}
	for _, refspec := range refspecs {
		options.RefSpecs = append(options.RefSpecs, config.RefSpec(refspec))
	}
	return repository.Push(&options)
}

func list(url string) error {
	remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{url}})
	refs, err := remote.List(&git.ListOptions{Auth: auth()})
	for _, ref := range refs {
		fmt.Println(ref.Hash(), ref.Name())
	}
	return err
}

// No credentials of its own where the token stands in the URL.
func auth() transport.AuthMethod {
	if *token == "" {
		return nil
	}
	return &http.BasicAuth{Username: "x", Password: *token}
}

func status(err error) int {
	if errors.Is(err, transport.ErrAuthenticationRequired) || errors.Is(err, transport.ErrAuthorizationFailed) {
		return refused
	}
	return failed
}
