//! Keys of every family, made at run time from a seed: no key-shaped text stands in the repository.

use git_frisk::key_id::KeyId;
use git_frisk::rule::template::fill;
use git_frisk::secret::Secret;

/// The rule and the template of every family and length.
pub(crate) const FAMILIES: [(&str, &str); 27] = [
    (
        "openai-project",
        "sk-proj-{base64url:74}T3BlbkFJ{base64url:74}",
    ),
    (
        "openai-project",
        "sk-proj-{base64url:58}T3BlbkFJ{base64url:58}",
    ),
    (
        "openai-project",
        "sk-proj-{base64url:46}T3BlbkFJ{base64url:46}",
    ),
    ("openai-project", "sk-proj-{alnum:20}T3BlbkFJ{alnum:20}"),
    (
        "openai-service-account",
        "sk-svcacct-{base64url:74}T3BlbkFJ{base64url:74}",
    ),
    (
        "openai-service-account",
        "sk-svcacct-{base64url:58}T3BlbkFJ{base64url:58}",
    ),
    (
        "openai-service-account",
        "sk-svcacct-{alnum:20}T3BlbkFJ{alnum:20}",
    ),
    (
        "openai-admin",
        "sk-admin-{base64url:74}T3BlbkFJ{base64url:74}",
    ),
    (
        "openai-admin",
        "sk-admin-{base64url:58}T3BlbkFJ{base64url:58}",
    ),
    ("openai-admin", "sk-admin-{alnum:20}T3BlbkFJ{alnum:20}"),
    (
        "openai-none",
        "sk-None-{base64url:74}T3BlbkFJ{base64url:74}",
    ),
    ("openai-none", "sk-None-{alnum:20}T3BlbkFJ{alnum:20}"),
    ("openai-legacy", "sk-{alnum:20}T3BlbkFJ{alnum:20}"),
    ("openai-legacy", "sk-{base64url:42}T3BlbkFJ{base64url:42}"),
    ("openai-named", "sk-ci-runner-{alnum:20}T3BlbkFJ{alnum:20}"),
    ("openai-named", "sk-a11y-{alnum:20}T3BlbkFJ{alnum:20}"),
    (
        "openai-unknown-length",
        "sk-proj-{base64url:90}T3BlbkFJ{base64url:90}",
    ),
    (
        "openai-unknown-length",
        "sk-admin-{base64url:33}T3BlbkFJ{base64url:35}",
    ),
    ("anthropic", "sk-ant-api03-{base64url:93}AA"),
    ("anthropic", "sk-ant-admin01-{base64url:93}AA"),
    ("openrouter", "sk-or-v1-{hex:64}"),
    ("langfuse", "sk-lf-{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}"),
    (
        "helicone",
        "sk-helicone-{lower:7}-{lower:7}-{lower:7}-{lower:7}",
    ),
    (
        "helicone",
        "sk-helicone-eu-{lower:7}-{lower:7}-{lower:7}-{lower:7}",
    ),
    ("minimax", "sk-api-{base64url:119}"),
    ("openhands", "sk-oh-{alnum:32}"),
    ("cerebras", "csk-{lower:48}"),
];

/// A project key: 164 bytes.
pub(crate) fn project(seed: u64) -> String {
    fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed)
}

/// A legacy key: 51 letters and digits, which no file or ref name minds.
pub(crate) fn legacy(seed: u64) -> String {
    fill("sk-{alnum:20}T3BlbkFJ{alnum:20}", seed)
}

/// What reports call a key by.
pub(crate) fn id(key: &str) -> String {
    KeyId::of(&Secret::new(key.as_bytes(), 0)).to_string()
}
