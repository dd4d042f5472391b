//! macOS: the schemes stand in the bundle's Info.plist; the choice is the person's. Written for, never run.

pub(super) fn check() -> Result<String, String> {
    Err("macOS does not tell who opens tel: links; choose Sidetone in FaceTime's settings, “Default for calls”.".into())
}

pub(super) fn take() -> Result<(), String> {
    Err("Choose Sidetone in FaceTime's settings, “Default for calls”.".into())
}
