//! Faults of the program itself: what may be said of a panic.
//!
//! The message of a panic may quote what the program worked on, and that is what people told the
//! hotline. So nothing is said beyond its first quotation mark; the place in the code says the rest.

use std::any::Any;
use std::panic::PanicHookInfo;

/// The longest message that is passed on, in characters.
const MOST: usize = 160;

/// What a panic said, up to where it may begin to quote.
pub fn said(payload: &dyn Any) -> String {
    let message = payload.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let quotes = |c: char| matches!(c, '`' | '"' | '\'' | '“' | '«') || !c.is_ascii();
    let plain = message.split(quotes).next().unwrap_or_default();
    plain.lines().next().unwrap_or_default().trim_end().chars().take(MOST).collect()
}

/// From now on panics are log lines like all others, with their place.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let at = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        tracing::error!(at, thread, said = said(info.payload()), "panicked; this is a fault of the program");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_said_is_not_repeated() {
        let caught = std::panic::catch_unwind(|| {
            let text = "我的电话是13900000000".to_owned();
            text[1..].len()
        });
        insta::assert_snapshot!(said(&*caught.unwrap_err()), @"start byte index 1 is not a char boundary; it is inside");
        let caught = std::panic::catch_unwind(|| "x".parse::<i32>().unwrap());
        insta::assert_snapshot!(said(&*caught.unwrap_err()), @"called");
        let caught = std::panic::catch_unwind(|| panic!("a case without a group"));
        assert_eq!(said(&*caught.unwrap_err()), "a case without a group");
    }
}
