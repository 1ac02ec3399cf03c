//! What a mail says: one text and one HTML part, from the templates in `assets/mail/`.

use lettre::Address;
use lettre::Message;
use lettre::message::{Mailbox, MultiPart};

use crate::server::store::mail::Purpose;
use crate::support::secret::Secret;

struct Template {
    subject: &'static str,
    text: &'static str,
    html: &'static str,
}

const VERIFY: Template = Template {
    subject: "Email Verification Code",
    text: include_str!("../../../../assets/mail/verify.txt"),
    html: include_str!("../../../../assets/mail/verify.html"),
};
const RESET: Template = Template {
    subject: "Code for a new password",
    text: include_str!("../../../../assets/mail/reset.txt"),
    html: include_str!("../../../../assets/mail/reset.html"),
};

/// Who a mail is for, and what it brings.
pub(super) struct Letter<'a> {
    pub(super) purpose: Purpose,
    pub(super) name: &'a str,
    pub(super) email: &'a str,
    pub(super) code: &'a Secret,
    /// Different for every try: a mail server may drop the second mail of one id, whose code is the newer one.
    pub(super) id: &'a str,
}

/// No mail can be made for this address.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoMessage {
    #[error("the address cannot be used: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("the message cannot be made: {0}")]
    Message(#[from] lettre::error::Error),
}

/// The mail as it goes out. Names stand in it as they are; in HTML they are escaped, and in its head encoded.
pub(super) fn compose(letter: &Letter<'_>, from: &str) -> Result<Message, NoMessage> {
    let template = match letter.purpose {
        Purpose::Verify => &VERIFY,
        Purpose::Reset => &RESET,
    };
    let from: Address = from.parse()?;
    let id = format!("<{}@{}>", letter.id, from.domain());
    // No account has such a name; the library would stop at one.
    let name: String = letter.name.chars().filter(|c| !c.is_control()).collect();
    let message = Message::builder()
        .from(Mailbox::new(Some("Andon".to_owned()), from))
        .to(Mailbox::new(Some(name.clone()), letter.email.parse()?))
        .subject(template.subject)
        .message_id(Some(id))
        .date_now();
    let parts =
        MultiPart::alternative_plain_html(fill(template.text, &name, letter.code), fill(template.html, &escape(&name), letter.code));
    Ok(message.multipart(parts)?)
}

/// Puts code and name into a template. The code first: a name may look like a gap.
fn fill(template: &str, name: &str, code: &Secret) -> String {
    template.replace("{code}", code.expose()).replace("{name}", name)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(name: &str, email: &str) -> String {
        let code = Secret::new("012345");
        let letter = Letter { purpose: Purpose::Verify, name, email, code: &code, id: "1.1" };
        String::from_utf8(compose(&letter, "andon@plant.example").unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_mail_has_the_code_in_a_text_part_and_in_an_html_part() {
        let mail = raw("anna", "anna@plant.example");
        assert_eq!(mail.matches("012345").count(), 2, "{mail}");
        assert!(mail.contains("text/plain") && mail.contains("text/html") && mail.contains("multipart/alternative"), "{mail}");
        assert!(mail.contains("Subject: Email Verification Code\r\n"), "{mail}");
    }

    #[test]
    fn markup_in_a_name_is_escaped_in_html_alone() {
        assert_eq!(
            fill("<p>{name}</p>{code}", &escape("<b>'; --&\"{code}"), &Secret::new("1")),
            "<p>&lt;b&gt;&#39;; --&amp;&quot;{code}</p>1"
        );
        let mail = raw("<b>x</b>", "anna@plant.example");
        assert!(mail.contains("Hello <b>x</b>,") && mail.contains("Hello &lt;b&gt;x&lt;/b&gt;,"), "{mail}");
    }

    #[test]
    fn no_name_and_no_address_adds_a_line_to_the_head() {
        for name in ["anna\r\nBcc: other@plant.example", "anna\nX-Spam: 1", "\"quoted\" <x@y.z>, other@plant.example"] {
            let mail = raw(name, "anna@plant.example");
            let head = mail.split("\r\n\r\n").next().unwrap();
            assert!(!head.lines().any(|line| line.starts_with("Bcc") || line.starts_with("X-Spam")), "{head}");
            let message = compose(
                &Letter { purpose: Purpose::Reset, name, email: "anna@plant.example", code: &Secret::new("1"), id: "1.1" },
                "a@b.example",
            );
            let envelope = message.unwrap().envelope().clone();
            assert_eq!(envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>(), ["anna@plant.example"]);
        }
        let email = "anna@plant.example\r\nRCPT TO:<x@y.z>";
        let letter = Letter { purpose: Purpose::Reset, name: "anna", email, code: &Secret::new("1"), id: "1.1" };
        assert!(compose(&letter, "a@b.example").is_err());
    }
}
