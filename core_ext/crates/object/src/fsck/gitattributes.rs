//! Checks of `.gitattributes`: Git's parser refuses files and lines over these limits (CVE-2022-23521).

use super::{Checked, Findings, Message};

const MAX_FILE_BYTES: usize = 100 << 20;
const MAX_LINE_BYTES: usize = 2048;

/// Check the content of a `.gitattributes` file.
pub fn check(findings: &mut Findings<'_>, content: &[u8]) -> Checked {
    if content.len() > MAX_FILE_BYTES {
        let sentence = format!(".gitattributes has {} bytes, more than {MAX_FILE_BYTES}", content.len());
        return findings.add(Message::GitattributesLarge, &sentence);
    }
    // To Git the file ends at the first NUL.
    let text = content.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.split(|&byte| byte == b'\n').any(|line| line.len() >= MAX_LINE_BYTES) {
        let sentence = format!(".gitattributes has a line of {MAX_LINE_BYTES} bytes or more");
        return findings.add(Message::GitattributesLineLength, &sentence);
    }
    Ok(())
}
