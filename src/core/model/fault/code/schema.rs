//! V02xx: which keys and which sorts of values there are.

use super::codes;
use super::page::Example::{Solution, Spec};
use crate::model::Party::{self, Author, Operator};

/// It depends on whose file it is.
const WRITER: &[Party] = &[Author, Operator];

codes! { SCHEMAS;
    API_VERSION = "V0201": "unknown `apiVersion`", WRITER,
    "The first line says for which version of vitrine's format the file is written. There is one so far.",
    wrong Solution("apiVersion: v1\nkind: Solution\nmetadata: {name: use}"),
    right Solution("apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {name: use}");

    KIND = "V0202": "wrong `kind`", WRITER,
    "`solution.yaml` is of kind `Solution` and `platform.yaml` of kind `Platform`. Manifests of Kubernetes have no place in a solution's folder; vitrine writes them.",
    wrong Solution("apiVersion: vitrine.dev/v1alpha1\nkind: Deployment\nmetadata: {name: use}"),
    right Solution("apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {name: use}");

    MISSING = "V0203": "a required key is missing", WRITER,
    "A key without which nothing can be done is not there. The marked place is the map that lacks it.",
    wrong Spec("suspend: {reason: \"incident 12\"}"),
    right Spec("suspend: {reason: \"incident 12\", until: 2027-01-05}");

    WRONG_TYPE = "V0204": "a value of the wrong type", WRITER,
    "A list stands where a text belongs, a text where a number belongs, and so on. Only `true` and `false` are yes and no: `yes`, `on` and `off` are text. Values of `env` are text, so a number needs quotation marks.",
    wrong Spec("env: {WINDOW: 60}"),
    right Spec("env: {WINDOW: \"60\"}");

    NULL = "V0205": "a key without a value", WRITER,
    "Nothing stands behind the key's colon, or `null` does. Delete the key to get its default, or write the value.",
    wrong Spec("port:"),
    right Spec("port: 8080");

    NOT_ONE_OF = "V0206": "a word that is not one of the allowed", WRITER,
    "The key knows a few words and this is none of them. They are listed below the fault.",
    wrong Spec("type: pipline"),
    right Spec("type: pipeline");

    UNKNOWN_FIELD = "V0207": "unknown field", WRITER,
    "No field has this name here: it is misspelt, stands at the wrong depth, or belongs to Kubernetes and not to vitrine. An unknown field is refused rather than ignored, because somebody relies on what they wrote.",
    wrong Spec("scaling: {replica: 3}"),
    right Spec("scaling: {maxReplicas: 3}");

    NOT_YET = "V0208": "not supported yet", WRITER,
    "The word is reserved for something that vitrine does not do yet. Where there is a way to have it today, the fault names it.",
    wrong Spec("access: private"),
    right Spec("access: public");

    EXCLUDES = "V0209": "two keys that exclude each other", WRITER,
    "Both keys answer the same question, and only one answer can hold.",
    wrong Spec("readinessProbe: {httpGet: {path: /}, tcpSocket: {}}"),
    right Spec("readinessProbe: {httpGet: {path: /}}");

    LEADING_ZERO = "V0210": "a number with a leading zero", WRITER,
    "Old YAML readers take `0123` for an octal number and new ones for a decimal. Write it without the zero, or as text in quotation marks.",
    wrong Spec("port: 08080"),
    right Spec("port: 8080");
}
