//! The stable codes of faults, one table.

use crate::model::yaml::Problem;

macro_rules! codes {
    ($($name:ident = $code:literal: $title:literal,)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*

        /// Every code with its title, in order.
        pub const TABLE: &[(&str, &str)] = &[$(($code, $title),)*];
    };
}

codes! {
    TOO_LARGE = "V0101": "the file is too large",
    NOT_UTF8 = "V0102": "the file is not UTF-8",
    UTF16 = "V0103": "the file is UTF-16",
    BINARY = "V0104": "the file is binary",
    CONTROL_CHARACTER = "V0105": "a control character",
    BYTE_ORDER_MARK = "V0106": "a byte order mark inside the file",
    BIDI_CONTROL = "V0107": "a character that changes the direction of writing",
    SYNTAX = "V0108": "not YAML",
    SEVERAL_DOCUMENTS = "V0109": "more than one YAML document",
    DIRECTIVE = "V0110": "a YAML directive",
    EMPTY = "V0111": "the file is empty",
    ANCHOR = "V0112": "a YAML anchor",
    ALIAS = "V0113": "a YAML alias",
    MERGE_KEY = "V0114": "a YAML merge key",
    TAG = "V0115": "a YAML tag",
    DUPLICATE_KEY = "V0116": "a key stands twice",
    KEY_NOT_TEXT = "V0117": "a key is not a word",
    TOO_DEEP = "V0118": "lists and maps nest too deep",
    TOO_MANY_NODES = "V0119": "too many keys and values",
    MISSPELT_FILE = "V0120": "`solution.yaml` under another spelling",
    SYMBOLIC_LINK = "V0121": "a symbolic link",
    SUBMODULE = "V0122": "a submodule",
    NAME_NOT_UTF8 = "V0123": "a file name that is not UTF-8",
    LOST_SOLUTION = "V0124": "a folder that lost its `solution.yaml`",
    NESTED_TOO_DEEP = "V0125": "a solution below more than three groups",
    NESTED_SOLUTION = "V0126": "a solution inside a solution",
    TOO_MANY_FILES = "V0127": "too many files in one folder",
    NOT_A_FILE = "V0128": "neither a file nor a folder",

    API_VERSION = "V0201": "unknown `apiVersion`",
    KIND = "V0202": "wrong `kind`",
    MISSING = "V0203": "a required key is missing",
    WRONG_TYPE = "V0204": "a value of the wrong type",
    NULL = "V0205": "a key without a value",
    NOT_ONE_OF = "V0206": "a word that is not one of the allowed",
    UNKNOWN_FIELD = "V0207": "unknown field",
    NOT_YET = "V0208": "not supported yet",
    EXCLUDES = "V0209": "two keys that exclude each other",
    LEADING_ZERO = "V0210": "a number with a leading zero",

    BAD_NAME = "V0301": "not a name",
    NAME_IS_NOT_FOLDER = "V0302": "the name is not the folder's",
    TOO_LONG = "V0303": "too long",
    OUT_OF_RANGE = "V0304": "a number out of range",
    BAD_QUANTITY = "V0305": "not a quantity",
    BAD_DURATION = "V0306": "not a duration",
    OVER_LIMIT = "V0307": "over a limit of the platform",
    BAD_IMAGE = "V0308": "not an image reference",
    NO_DIGEST = "V0309": "an image without digest",
    REGISTRY = "V0310": "an image from a registry that is not allowed",
    LOCAL_IMAGE = "V0311": "an image of one's own machine",
    BAD_PATH = "V0312": "not a path",
    BAD_CIDR = "V0313": "not a network",
    EGRESS = "V0314": "a network that the platform does not allow",
    CREDENTIAL = "V0315": "a value that looks like a credential",
    BAD_ENV = "V0316": "not the name of an environment variable",
    BAD_DAY = "V0317": "not a day",
    BAD_TEXT = "V0318": "not in the expected form",
    CONTACT = "V0319": "production without a contact",
    FILES_TOO_LARGE = "V0320": "files too large to mount",
    ENV_TAKEN = "V0321": "an environment variable that the platform sets",
    OVER_OWN_LIMIT = "V0322": "a request over its own limit",
    MOUNT_TWICE = "V0323": "two mounts at one path",
    BAD_CRON = "V0324": "not a time of a schedule",
    BAD_TIME_ZONE = "V0325": "not a time zone",
    BAD_ORIGIN = "V0326": "not the origin of a page",
    ENV_TWICE = "V0327": "a variable that is public and secret",
    SERVER_TOO_OLD = "V0328": "a field that this platform's server does not know",

    NO_FILE = "V0401": "a file that is not there",
    NO_COMPONENT = "V0402": "a component that is not there",
    NO_HARDWARE = "V0403": "a hardware class that is not there",
    NO_CATEGORY = "V0404": "a category that is not there",
    BAD_EXAMPLE = "V0405": "a broken example",

    DUPLICATE_NAME = "V0501": "two solutions of one name",
    CYCLE = "V0502": "components that depend on each other in a circle",
    PATH_TWICE = "V0503": "two components at one path",
    NO_ENTRANCE = "V0504": "no component at `/`",

    NO_PLATFORM = "V0601": "no `platform.yaml`",
    BAD_DOMAIN = "V0602": "not a domain",
    CLASS_TWICE = "V0603": "two hardware classes of one name",
    DEFAULT_OVER_LIMIT = "V0604": "a default over the platform's own limit",
    SWITCHES_EXCLUDE = "V0605": "two switches of the platform that exclude each other",
    SWITCH_NEEDS_SERVER = "V0606": "a switch that needs a newer server",

    SETTINGS_YAML = "V0701": "settings that are not YAML",
    SETTING_VALUE = "V0702": "a setting with a wrong value",
    SETTING_UNKNOWN = "V0703": "an unknown setting",
    SETTING_MISSING = "V0704": "a required setting is missing",
    SETTING_NOT_YET = "V0705": "a setting that is not supported yet",
    SETTING_PASSWORD = "V0706": "a password in an address",

    NO_OWNER = "V9001": "nobody owns the solution",
    NOBODY_CALLS = "V9002": "a private component that nobody calls",
    NOT_ENFORCED = "V9003": "a limit that this platform's edge cannot enforce",
    EXPIRED = "V9004": "the solution has expired",
    SUSPENSION_OVER = "V9005": "the suspension is over",
    FEATURED_UNKNOWN = "V9006": "a featured solution that is not there",
    NOT_WARMED = "V9007": "a warm-up that this platform cannot run",
    NO_EFFECT = "V9008": "a value without effect",
}

/// What a code stands for.
pub fn title(code: &str) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, title)| *title)
}

/// The code of a problem of YAML itself.
pub fn of(problem: Problem) -> &'static str {
    match problem {
        Problem::TooLarge => TOO_LARGE,
        Problem::NotUtf8 => NOT_UTF8,
        Problem::Utf16 => UTF16,
        Problem::Binary => BINARY,
        Problem::ControlCharacter => CONTROL_CHARACTER,
        Problem::ByteOrderMark => BYTE_ORDER_MARK,
        Problem::BidiControl => BIDI_CONTROL,
        Problem::Syntax => SYNTAX,
        Problem::SeveralDocuments => SEVERAL_DOCUMENTS,
        Problem::Directive => DIRECTIVE,
        Problem::Empty => EMPTY,
        Problem::Anchor => ANCHOR,
        Problem::Alias => ALIAS,
        Problem::MergeKey => MERGE_KEY,
        Problem::Tag => TAG,
        Problem::DuplicateKey => DUPLICATE_KEY,
        Problem::KeyNotText => KEY_NOT_TEXT,
        Problem::TooDeep => TOO_DEEP,
        Problem::TooManyNodes => TOO_MANY_NODES,
    }
}

/// The code that stands for the same thing in the daemon's settings.
pub fn of_settings(code: &'static str) -> &'static str {
    match code {
        UNKNOWN_FIELD => SETTING_UNKNOWN,
        MISSING => SETTING_MISSING,
        NOT_YET => SETTING_NOT_YET,
        yaml if yaml.starts_with("V01") => SETTINGS_YAML,
        own if own.starts_with("V07") => own,
        _ => SETTING_VALUE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} stands before {}", pair[0].0, pair[1].0);
        }
    }
}
