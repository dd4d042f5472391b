//! Contact sources in the settings: connected, changed, tried, forgotten.

use super::{Asker, Controller};
use crate::shell::{Now, Shell};
use view::{RefusalCode, Request};

impl<S: Shell> Controller<S> {
    pub(super) fn connector_request(&mut self, asker: Asker, _request: Request, _now: Now) {
        self.refuse(asker, RefusalCode::Connector, "Not yet.");
    }

    pub(super) fn open_link(&mut self, asker: Asker, _url: &str) {
        self.refuse(asker, RefusalCode::BadRequest, "Not yet.");
    }
}
