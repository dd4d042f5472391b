//! The notification area: its icon belongs to a thread with a message loop.
#![allow(unsafe_code)] // the message loop is four system calls without a safe wrapper among our dependencies

use super::Shown;
use desktop::{Tray, TrayAction};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::{mpsc::Sender, watch};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DispatchMessageW, MSG, PM_REMOVE, PeekMessageW, TranslateMessage,
};

/// Owns the thread.
pub(crate) struct TrayThread {
    wishes: SyncSender<Tray>,
}

impl TrayThread {
    /// `hosts` is told whether the notification area took the icon.
    pub(crate) fn start(
        clicks: Sender<TrayAction>,
        hosts: watch::Sender<bool>,
    ) -> std::io::Result<Self> {
        let (wishes, inbox) = sync_channel(16);
        std::thread::Builder::new()
            .name("tray".into())
            .spawn(move || serve(&inbox, &clicks, &hosts))?;
        Ok(Self { wishes })
    }

    pub(crate) fn set(&self, tray: &Tray) {
        let _ = self.wishes.try_send(tray.clone());
    }
}

fn serve(inbox: &Receiver<Tray>, clicks: &Sender<TrayAction>, hosts: &watch::Sender<bool>) {
    let mut shown: Option<Shown> = None;
    loop {
        match inbox.recv_timeout(std::time::Duration::from_millis(20)) {
            Ok(tray) => {
                let outcome = match &mut shown {
                    Some(shown) => shown.update(&tray),
                    None => Shown::new(&tray, clicks.clone()).map(|new| shown = Some(new)),
                };
                if let Err(error) = outcome {
                    tracing::warn!(%error, "no tray icon");
                }
                hosts.send_replace(shown.is_some());
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
        }
        pump();
    }
}

fn pump() {
    let mut message = MSG::default();
    // SAFETY: `message` is a valid MSG for the whole loop, and the window handle is null: all windows of this thread.
    unsafe {
        while PeekMessageW(&raw mut message, std::ptr::null_mut(), 0, 0, PM_REMOVE) != 0 {
            TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
        }
    }
}
