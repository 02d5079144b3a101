//! Where a key is revoked, and where its use is seen.

use crate::rule::Rule;

/// The page that shows what keys of a provider were used for.
pub fn usage_page(provider: &str) -> Option<&'static str> {
    match provider {
        "openai" => Some("https://platform.openai.com/usage"),
        "anthropic" => Some("https://console.anthropic.com/settings/usage"),
        "openrouter" => Some("https://openrouter.ai/activity"),
        _ => None,
    }
}

/// What to do with a key that somebody may have seen, in a sentence.
pub(super) fn sentence(rule: Option<&Rule>) -> String {
    let revoke = match rule.and_then(|rule| rule.revoke.as_deref()) {
        Some(page) => format!("Revoke it at {page}"),
        None => "Revoke it where it was made".to_owned(),
    };
    match rule.and_then(|rule| usage_page(&rule.provider)) {
        Some(page) => format!("{revoke}; look at its use at {page}"),
        None => revoke,
    }
}
