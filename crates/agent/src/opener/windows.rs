//! Windows: the shell's own "open".
#![allow(unsafe_code)] // one call of the system

use std::ptr::null;
use windows_sys::Win32::UI::Shell::ShellExecuteW;
use windows_sys::Win32::UI::WindowsAndMessaging::SW_SHOWNORMAL;

/// ShellExecuteW: "greater than 32" means that it went well.
const FAILED_UP_TO: usize = 32;

pub(super) fn open(url: &str) -> Result<(), String> {
    let wide = |text: &str| -> Vec<u16> { text.encode_utf16().chain([0]).collect() };
    let (verb, url) = (wide("open"), wide(url));
    // SAFETY: both texts end with a nul and outlive the call; the other pointers may be null.
    let answer = unsafe {
        ShellExecuteW(
            std::ptr::null_mut(),
            verb.as_ptr(),
            url.as_ptr(),
            null(),
            null(),
            SW_SHOWNORMAL,
        )
    };
    match answer as usize {
        ..=FAILED_UP_TO => Err(format!("the system answers {}", answer as usize)),
        _opened => Ok(()),
    }
}
