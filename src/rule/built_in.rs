//! The keywords of the built-in rules once more, so that none of the rules is read where no keyword
//! is met. A test of `load` compares them with the rule files.

/// The keywords of a rule.
#[derive(Debug)]
pub(super) struct OfRule {
    pub(super) optional: bool,
    pub(super) keywords: &'static [&'static [u8]],
    pub(super) run: usize,
}

const fn rule(keywords: &'static [&'static [u8]]) -> OfRule {
    OfRule {
        optional: false,
        keywords,
        run: 0,
    }
}

const fn optional(keywords: &'static [&'static [u8]]) -> OfRule {
    OfRule {
        optional: true,
        keywords,
        run: 0,
    }
}

/// Rule by rule, in the order of their rank.
pub(super) const KEYWORDS: [OfRule; 23] = [
    // openai-project
    rule(&[b"T3BlbkFJ"]),
    // openai-service-account
    rule(&[b"T3BlbkFJ"]),
    // openai-admin
    rule(&[b"T3BlbkFJ"]),
    // openai-none
    rule(&[b"T3BlbkFJ"]),
    // openai-legacy
    rule(&[b"T3BlbkFJ"]),
    // openai-named
    rule(&[b"T3BlbkFJ"]),
    // openai-unknown-length
    rule(&[b"T3BlbkFJ"]),
    // anthropic
    rule(&[b"sk-ant-"]),
    // openrouter
    rule(&[b"sk-or-v1-"]),
    // langfuse
    rule(&[b"sk-lf-"]),
    // helicone
    rule(&[b"sk-helicone-"]),
    // minimax
    rule(&[b"sk-api-"]),
    // openhands
    rule(&[b"sk-oh-"]),
    // cerebras
    rule(&[b"csk-"]),
    // openai-unmarked
    OfRule {
        optional: false,
        keywords: &[b"sk-"],
        run: 48,
    },
    // openai-session
    rule(&[b"sess-"]),
    // openai-realtime
    optional(&[b"\"ek_", b"'ek_", b"=ek_", b" ek_", b":ek_"]),
    // openai-webhook
    optional(&[b"whsec_"]),
    // azure-openai
    rule(&[b"JQQJ99"]),
    // azure-openai-old
    optional(&[b".openai.azure.com"]),
    // openai-codex-jwt
    optional(&[b"eyJhbGciOi"]),
    // openai-codex-refresh
    optional(&[b"rt_"]),
    // openai-codex-token
    optional(&[b"at-"]),
];
