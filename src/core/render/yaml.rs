//! Objects as people read them.

use serde_json::Value;

/// An object as a YAML document, without a document marker.
pub fn yaml(object: &Value) -> String {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    // JSON is YAML: should the serializer ever refuse, the reader still gets the object.
    serde_saphyr::to_string_with_options(object, options)
        .unwrap_or_else(|_| format!("{object:#}\n"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_that_looks_like_something_else_stays_a_text() {
        let object = json!({"data": {
            "a": "no", "b": "0", "c": "1.35", "d": "true", "e": "", "f": "null", "g": "06:30",
            "h": "a: b", "i": "- x", "j": "line\nline\n", "k": "  led", "l": "x".repeat(300),
            "m": "many words ".repeat(40), "n": "0x10", "o": "1e3", "p": "~", "q": "#", "r": "é",
        }});
        let text = yaml(&object);
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), object, "{text}");
        assert!(text.contains(&"many words ".repeat(39)), "a long text was folded: {text}");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in "\\PC{0,60}", number in any::<i32>()) {
            let object = json!({"text": text, "list": [number, true, text], "map": {text: {}}});
            let written = yaml(&object);
            prop_assert_eq!(serde_saphyr::from_str::<Value>(&written).unwrap(), object);
        }
    }
}
