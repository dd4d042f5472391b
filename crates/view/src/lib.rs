//! What windows, tray and command line show and send.
