//! Where windows go: the card in the bottom right corner of the screen with the pointer, clear of its panels, a
//! question in its middle.

/// A rectangle in physical pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// Space kept between the card and the edges, in logical pixels.
const MARGIN: f64 = 12.0;
/// Kept free at the bottom where the desktop does not say what its panels cover, in logical pixels.
const PANEL: f64 = 48.0;

/// What of a screen a window may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub whole: Rect,
    /// Without panels and docks; equal to `whole` where the desktop does not say.
    pub work: Rect,
    pub scale: f64,
}

impl Screen {
    /// The greatest height that a card stack can have, in logical pixels.
    pub(crate) fn room(&self) -> f64 {
        f64::from(self.usable().height) / self.scale - 2.0 * MARGIN
    }

    /// Top left corner for a window of `width` × `height` physical pixels.
    pub(crate) fn bottom_right(&self, width: i32, height: i32) -> (i32, i32) {
        let margin = (MARGIN * self.scale).round() as i32;
        let free = self.usable();
        let x = free.x + (free.width - width - margin).max(0);
        let y = free.y + (free.height - height - margin).max(0);
        (x, y)
    }

    /// Top left corner that puts a window of `width` × `height` physical pixels into the middle, a little above.
    pub(crate) fn middle(&self, width: i32, height: i32) -> (i32, i32) {
        let free = self.usable();
        let x = free.x + ((free.width - width) / 2).max(0);
        let y = free.y + ((free.height - height) / 3).max(0);
        (x, y)
    }

    fn usable(&self) -> Rect {
        if self.work == self.whole {
            let panel = (PANEL * self.scale).round() as i32;
            return Rect {
                height: (self.whole.height - panel).max(0),
                ..self.whole
            };
        }
        self.work
    }
}

/// The screen that holds the point, else the first.
pub(crate) fn screen_with(screens: &[Screen], point: Option<(f64, f64)>) -> Option<Screen> {
    let holds = |screen: &&Screen| {
        point.is_some_and(|(x, y)| {
            let Rect {
                x: left,
                y: top,
                width,
                height,
            } = screen.whole;
            (f64::from(left)..f64::from(left + width)).contains(&x)
                && (f64::from(top)..f64::from(top + height)).contains(&y)
        })
    };
    screens
        .iter()
        .find(holds)
        .or_else(|| screens.first())
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rect(x: i32, y: i32, width: i32, height: i32) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    const LEFT: Screen = Screen {
        whole: rect(0, 0, 1920, 1080),
        work: rect(0, 30, 1920, 1050),
        scale: 1.0,
    };
    const RIGHT: Screen = Screen {
        whole: rect(1920, 0, 3840, 2160),
        work: rect(1920, 0, 3840, 2160),
        scale: 2.0,
    };

    #[test]
    fn the_card_sits_in_the_bottom_right_corner_of_the_work_area() {
        assert_eq!(
            LEFT.bottom_right(368, 200),
            (1920 - 368 - 12, 1080 - 200 - 12)
        );
    }

    #[test]
    fn without_a_work_area_the_place_of_a_panel_is_kept_free() {
        assert_eq!(
            RIGHT.bottom_right(736, 400),
            (1920 + 3840 - 736 - 24, 2160 - 96 - 400 - 24)
        );
    }

    #[test]
    fn a_card_that_is_higher_than_the_screen_starts_at_its_top() {
        assert_eq!(LEFT.bottom_right(368, 5000).1, 30);
    }

    #[test]
    fn a_question_stands_in_the_middle_a_little_above() {
        assert_eq!(LEFT.middle(420, 300), (750, 30 + 250));
        assert_eq!(LEFT.middle(5000, 5000), (0, 30));
    }

    #[test]
    fn the_screen_with_the_pointer_is_taken_and_the_first_without_one() {
        let screens = [LEFT, RIGHT];
        let at = |point| screen_with(&screens, point).map(|screen| screen.whole.x);
        assert_eq!(at(Some((2000.0, 50.0))), Some(1920));
        assert_eq!(at(Some((10.0, 50.0))), Some(0));
        assert_eq!(at(Some((-5.0, 50.0))), Some(0));
        assert_eq!(at(None), Some(0));
        assert!(screen_with(&[], None).is_none());
    }
}
