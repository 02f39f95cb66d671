//! Tells by its name whether a value is a secret.

/// Whether a header or parameter with this name, in lower case, is a credential.
pub(crate) fn is_credential(name: &str) -> bool {
    let words =
        ["auth", "cookie", "credential", "password", "secret", "token", "api-key", "apikey", "api_key"];
    // An idempotency key is not a secret, although its name ends like one.
    name != "idempotency-key" && (name.ends_with("-key") || words.iter().any(|word| name.contains(word)))
}
