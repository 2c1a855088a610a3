//! V07xx: the daemon's own settings.

use super::codes;
use super::page::Example::Settings;
use crate::model::Party::{self, Operator};

const OPERATOR: &[Party] = &[Operator];

codes! { SETTINGS;
    SETTINGS_YAML = "V0701": "settings that are not YAML", OPERATOR,
    "The daemon's settings file cannot be read as YAML from the marked place on, or uses a part of YAML that is not used here, such as anchors.",
    wrong Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git"),
    right Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git}");

    SETTING_VALUE = "V0702": "a setting with a wrong value", OPERATOR,
    "The setting is known and its value is not one that it can have: out of range, not a duration, not an address to listen on.",
    wrong Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git, poll: often}"),
    right Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git, poll: 60s}");

    SETTING_UNKNOWN = "V0703": "an unknown setting", OPERATOR,
    "No setting has this name here. It is refused rather than ignored, because a brake that is misspelt would not hold.",
    wrong Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git}\nsafety: {maxRemoved: 0.1}"),
    right Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git}\nsafety: {maxRemovedShare: 0.1}");

    SETTING_MISSING = "V0704": "a required setting is missing", OPERATOR,
    "The daemon must at least be told its own name and its repository, in the file, by a variable or by a flag.",
    wrong Settings("repository: {url: https://git.example/lab/catalogue.git}"),
    right Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git}");

    SETTING_NOT_YET = "V0705": "a setting that is not supported yet", OPERATOR,
    "The setting is reserved for something that this version does not do. It is refused, so that nobody relies on it.",
    wrong Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git}\ncluster: {leaderElection: true}"),
    right Settings("instance: prod\nrepository: {url: https://git.example/lab/catalogue.git}");

    SETTING_PASSWORD = "V0706": "a password in an address", OPERATOR,
    "Addresses are printed and logged, passwords must not be. Put it into a file and name the file.",
    wrong Settings("instance: prod\nrepository: {url: \"https://bot:<the password>@git.example/lab/catalogue.git\"}"),
    right Settings("instance: prod\nrepository:\n  url: https://git.example/lab/catalogue.git\n  auth: {username: bot, passwordFile: /run/secrets/git-password}");
}
