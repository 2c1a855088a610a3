//! The poll: the tip of one branch in one POST of protocol version 2.

use git2::Oid;
use reqwest::StatusCode;

use super::Session;
use super::exchange::next;
use crate::git::Trouble;

/// Longest answer that is read, in bytes. Branches whose names begin like ours are in it too.
const MAX_ANSWER: usize = 1 << 20;

/// What a server made of the question.
pub enum Answer {
    /// The branch's tip; `None` if there is no such branch.
    Tip(Option<Oid>),
    /// It does not know version 2 here: ask for the plain list.
    NotUnderstood,
}

impl Session {
    /// Asks for the one ref `name`, as `refs/heads/main`.
    pub fn ls_refs(&self, name: &str) -> Result<Answer, Trouble> {
        let mut response = self.exchange("git-upload-pack", question(name), 2)?;
        let status = response.status();
        // 404 too: some servers know a repository by a second name, but only for the GET.
        let other = [400, 404, 405, 415, 501].iter().any(|code| status == *code);
        if status.is_redirection() || other {
            return Ok(Answer::NotUnderstood);
        }
        if status != StatusCode::OK {
            return Err(self.refusal(&response));
        }
        // A proxy that drops `Git-Protocol` gets an empty answer, with any content type.
        if response.content_length() == Some(0) {
            return Ok(Answer::NotUnderstood);
        }
        response = self.judge(response, "git-upload-pack-result")?;
        let mut bytes = Vec::new();
        loop {
            let chunk = next(self, &mut response)?;
            if chunk.is_empty() {
                break;
            }
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                return Err(self.trouble("sent an endless list of branches; check the server"));
            }
        }
        if bytes.is_empty() {
            return Ok(Answer::NotUnderstood);
        }
        match parse(&bytes, name) {
            Ok(tip) => Ok(Answer::Tip(tip)),
            Err(why) => Err(self.trouble(format!("sent a list of branches that {why}"))),
        }
    }
}

fn question(name: &str) -> Vec<u8> {
    let mut text = packet("command=ls-refs\n");
    text.push_str("0001");
    text.push_str(&packet(&format!("ref-prefix {name}\n")));
    text.push_str("0000");
    text.into_bytes()
}

/// A line with its length before it, in four hexadecimal digits that count themselves.
fn packet(line: &str) -> String {
    format!("{:04x}{line}", line.len() + 4)
}

/// Finds `name` in the lines `<oid> <name>[ attributes]`. The list must end with a flush.
fn parse(mut bytes: &[u8], name: &str) -> Result<Option<Oid>, String> {
    let mut tip = None;
    loop {
        let length = bytes
            .get(..4)
            .and_then(|digits| usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
            .ok_or("is cut off; the Git server must be mended")?;
        if length == 0 {
            return Ok(tip);
        }
        let line = bytes.get(4..length).ok_or("is cut off; the Git server must be mended")?;
        bytes = &bytes[length..];
        let line = String::from_utf8_lossy(line);
        if let Some(words) = line.strip_prefix("ERR ") {
            return Err(format!("says: {}", words.trim()));
        }
        let mut words = line.split_whitespace();
        let (id, found) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if found == name {
            let id = Oid::from_str(id).map_err(|_| "names no commit for the branch")?;
            tip = Some(id);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_branch_whose_name_only_begins_alike_is_not_taken() {
        let list = format!("{}0000", packet(&format!("{ID} refs/heads/main2\n")));
        assert_eq!(parse(list.as_bytes(), "refs/heads/main"), Ok(None));
        let found = parse(list.as_bytes(), "refs/heads/main2").unwrap().unwrap();
        assert_eq!(found.to_string(), ID);
    }

    #[test]
    fn a_list_without_its_end_is_not_taken() {
        let list = packet(&format!("{ID} refs/heads/main\n"));
        for length in 0..=list.len() {
            parse(&list.as_bytes()[..length], "refs/heads/main").unwrap_err();
        }
    }

    #[test]
    fn the_servers_own_words_are_passed_on() {
        let answer = packet("ERR access denied or repository not exported: /x\n");
        let said = parse(answer.as_bytes(), "refs/heads/main").unwrap_err();
        assert!(said.contains("access denied"), "{said}");
    }
}
