//! Words about what happened, in a corner. What went well leaves by itself, what failed stays until it was read.

use chrono::{DateTime, TimeDelta, Utc};
use eframe::egui::accesskit::{Live, Role};
use eframe::egui::{Align2, Area, Context, Id, Label, Order, Stroke, vec2};

use super::{button, card};
use crate::desktop::theme::{Text, Theme, Weight, space};

/// How long good news stays.
const GOOD_NEWS_SECS: i64 = 6;
/// Most toasts at once; the oldest goes first.
const MOST: usize = 4;

#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub what: String,
    /// What to do about it; empty for good news.
    pub remedy: String,
    pub failed: bool,
    pub at: DateTime<Utc>,
}

#[derive(Default)]
pub struct Toasts(Vec<Toast>);

impl Toasts {
    /// The same words again only renew the ones that stand.
    pub fn push(&mut self, toast: Toast) {
        self.0.retain(|old| old.what != toast.what);
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(toast);
    }

    /// Forgets good news that stood long enough.
    pub fn expire(&mut self, now: DateTime<Utc>) {
        self.0.retain(|toast| toast.failed || now - toast.at < TimeDelta::seconds(GOOD_NEWS_SECS));
    }

    /// Whether some of it leaves by itself.
    pub fn leaves_something(&self) -> bool {
        self.0.iter().any(|toast| !toast.failed)
    }

    pub fn ui(&mut self, ctx: &Context, theme: &Theme, dismiss: &str) {
        let mut closed = None;
        Area::new(Id::unique("toasts")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, vec2(-space::M, -space::M)).show(ctx, |ui| {
            let width = (theme.sizes.body * 26.0).min(ctx.content_rect().width() * 0.7);
            for (i, toast) in self.0.iter().enumerate() {
                let ink = if toast.failed { theme.color.crit } else { theme.color.control };
                let frame = card::frame(theme).fill(theme.color.bg2).stroke(Stroke::new(if toast.failed { 2.0 } else { 1.0 }, ink));
                let shown = frame.show(ui, |ui| {
                    ui.set_width(width);
                    ui.add(Label::new(theme.words(&toast.what, Text::Body, Weight::SemiBold, theme.color.text1)).wrap());
                    if !toast.remedy.is_empty() {
                        ui.add(Label::new(theme.label(&toast.remedy)).wrap());
                    }
                    if toast.failed && button::secondary(ui, theme, dismiss, true).clicked() {
                        closed = Some(i);
                    }
                });
                ctx.accesskit_node_builder(shown.response.id, |node| {
                    node.set_role(if toast.failed { Role::Alert } else { Role::Status });
                    node.set_live(if toast.failed { Live::Assertive } else { Live::Polite });
                    node.set_label(toast.what.as_str());
                });
            }
        });
        if let Some(i) = closed {
            self.0.remove(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toast(what: &str, failed: bool, at: DateTime<Utc>) -> Toast {
        Toast { what: what.to_owned(), remedy: String::new(), failed, at }
    }

    #[test]
    fn good_news_leaves_and_bad_news_waits() {
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let mut toasts = Toasts::default();
        toasts.push(toast("done", false, start));
        toasts.push(toast("failed", true, start));
        toasts.expire(start + TimeDelta::seconds(2));
        assert_eq!((toasts.0.len(), toasts.leaves_something()), (2, true));
        toasts.expire(start + TimeDelta::seconds(6));
        assert_eq!((toasts.0.len(), toasts.leaves_something()), (1, false));
    }

    #[test]
    fn the_same_words_do_not_pile_up() {
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let mut toasts = Toasts::default();
        for i in 0..9 {
            toasts.push(toast("again", true, start + TimeDelta::seconds(i)));
        }
        assert_eq!(toasts.0.len(), 1);
    }
}
