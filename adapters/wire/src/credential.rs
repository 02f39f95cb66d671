//! What is a secret by its name.

/// Whether what has this name, in lower case, is a credential.
pub(crate) fn is_credential(name: &str) -> bool {
    let words =
        ["auth", "cookie", "credential", "password", "secret", "token", "api-key", "apikey", "api_key"];
    // An idempotency key ends like a secret and is none.
    name != "idempotency-key" && (name.ends_with("-key") || words.iter().any(|word| name.contains(word)))
}
