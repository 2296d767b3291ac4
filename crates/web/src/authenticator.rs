//! What authenticator apps take.

/// The address by which authenticators take a secret.
pub fn uri(secret: &str, shop: &str, email: &str) -> String {
    let plain = |text: &str| {
        let plain: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        // Some authenticators show a plus as one.
        plain.replace('+', "%20")
    };
    let (issuer, account) = (plain(shop), plain(email));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}
