//! What went with a solution that was removed, in one line for commits, the log and the terminal.

/// What is known of a removal that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// How many objects of ours went; `None`: some may have gone before anybody counted.
    pub objects: Option<usize>,
    /// Where visitors could open it when its folder went, as they type it.
    pub urls: Vec<String>,
}

impl Gone {
    /// `removed: 14 objects, https://use.demo.example no longer answers`, in at most so many
    /// characters: where there are too many addresses for that, they are counted.
    pub fn words(&self, room: usize) -> String {
        let objects = self.objects.map(|objects| match objects {
            1 => "1 object".to_owned(),
            n => format!("{n} objects"),
        });
        let line = |addresses: Option<String>| {
            let facts: Vec<String> = objects.iter().cloned().chain(addresses).collect();
            if facts.is_empty() {
                "removed".to_owned()
            } else {
                format!("removed: {}", facts.join(", "))
            }
        };
        let count = self.urls.len();
        let answer = if count == 1 { "no longer answers" } else { "no longer answer" };
        let named = (1..=count).rev().map(|named| {
            let mut names = self.urls[..named].to_vec();
            match count - named {
                0 => {}
                1 => names.push("another address".to_owned()),
                rest => names.push(format!("{rest} other addresses")),
            }
            let last = names.pop().unwrap_or_default();
            let first = if names.is_empty() { String::new() } else { names.join(", ") + " and " };
            line(Some(format!("{first}{last} {answer}")))
        });
        let counted = (count > 0).then(|| {
            let addresses =
                if count == 1 { "1 address".to_owned() } else { format!("{count} addresses") };
            line(Some(format!("{addresses} {answer}")))
        });
        let mut all = named.chain(counted);
        all.find(|words| words.chars().count() <= room).unwrap_or_else(|| line(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(objects: Option<usize>, hosts: &[&str]) -> String {
        let urls = hosts.iter().map(|host| format!("https://{host}")).collect();
        Gone { objects, urls }.words(140)
    }

    #[test]
    fn only_what_is_known_is_said() {
        assert_eq!(
            words(Some(14), &["use.example"]),
            "removed: 14 objects, https://use.example no longer answers"
        );
        assert_eq!(
            words(Some(1), &["a.example", "b.example"]),
            "removed: 1 object, https://a.example and https://b.example no longer answer"
        );
        assert_eq!(words(None, &["a.example"]), "removed: https://a.example no longer answers");
        assert_eq!(words(Some(3), &[]), "removed: 3 objects");
        assert_eq!(words(None, &[]), "removed");
    }

    #[test]
    fn addresses_that_are_too_many_for_a_line_are_counted() {
        let hosts = ["a", "b", "c"].map(|name| format!("{name}{}.example", "x".repeat(20)));
        let hosts = hosts.each_ref().map(String::as_str);
        let said = words(Some(14), &hosts);
        let [a, b, _] = hosts;
        assert_eq!(
            said,
            format!(
                "removed: 14 objects, https://{a}, https://{b} and another address no longer answer"
            )
        );
        assert!(said.chars().count() <= 140);
        let long = format!("{}.example", "x".repeat(120));
        assert_eq!(words(Some(14), &[&long]), "removed: 14 objects, 1 address no longer answers");
        let many = [long.as_str(); 4];
        assert_eq!(words(None, &many), "removed: 4 addresses no longer answer");
    }
}
