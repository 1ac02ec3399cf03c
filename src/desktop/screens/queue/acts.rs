//! What can be done with queued reports. What takes something away or sends it elsewhere asks first, and says how many.

use std::collections::BTreeSet;

use eframe::egui::{Label, Ui};
use uuid::Uuid;

use super::Queue;
use crate::client::{Command, QueueCommand, QueueFilter, QueueRow};
use crate::desktop::theme::space;
use crate::desktop::widgets::dialog::{self, Question};
use crate::desktop::widgets::{button, field};
use crate::desktop::{Scene, format};
use crate::domain::access::Permission;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Delete,
    Release,
    Export,
}

/// The question that stands, and the reports that it is about: those that were selected when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    act: Act,
    ids: BTreeSet<Uuid>,
}

impl Queue {
    /// Acts on the whole queue.
    pub(super) fn general(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let queue = &scene.model.queue;
        let theme = scene.theme;
        let may = scene.may_act(Permission::SubmitReports);
        match queue.filter {
            QueueFilter::Pending => {
                if button::secondary(ui, theme, scene.text("queue.send_now"), may && queue.pending() > 0).clicked() {
                    scene.run(Command::Queue(QueueCommand::SendNow));
                }
            }
            QueueFilter::Quarantined => {
                if button::secondary(ui, theme, scene.text("queue.retry_all"), may && queue.quarantined > 0).clicked() {
                    scene.run(Command::Queue(QueueCommand::RetryAllQuarantined));
                }
            }
            QueueFilter::Delivered => {}
        }
    }

    /// Acts on the selected reports.
    pub(super) fn toolbar(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let n = self.selected.len() as u64;
        let waits = scene.model.queue.filter != QueueFilter::Delivered;
        let may = n > 0 && scene.may_act(Permission::SubmitReports);
        let manages = n > 0 && scene.may_act(Permission::ManageReports);
        let foreign = rows_of(scene, &self.selected).any(|row| row.foreign);
        ui.horizontal_wrapped(|ui| {
            if waits && button::secondary(ui, theme, scene.text("queue.retry"), may).clicked() {
                scene.run(Command::Queue(QueueCommand::Retry(self.ids(scene))));
            }
            if waits && foreign && button::secondary(ui, theme, scene.text("queue.release"), manages).clicked() {
                self.begin(Act::Release);
            }
            if button::secondary(ui, theme, scene.text("queue.export"), may).clicked() {
                self.begin(Act::Export);
            }
            if button::secondary(ui, theme, scene.text("queue.delete"), manages).clicked() {
                self.begin(Act::Delete);
            }
            if scene.is_panel() && button::secondary(ui, theme, scene.text("queue.history"), n == 1).clicked() {
                self.ids(scene).iter().for_each(|id| scene.run(Command::Queue(QueueCommand::History(*id))));
            }
            let words = if n == 0 { scene.text("queue.select").to_owned() } else { scene.count("queue.selected", n) };
            ui.add(Label::new(theme.hint(words)).truncate());
        });
        ui.add_space(space::XS);
    }

    fn begin(&mut self, act: Act) {
        self.asking = Some(Asking { act, ids: self.selected.clone() });
    }

    fn ids(&self, scene: &Scene<'_>) -> Vec<Uuid> {
        rows_of(scene, &self.selected).map(|row| row.id).collect()
    }

    pub(super) fn questions(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(mut asking) = self.asking.take() else { return };
        // What was delivered meanwhile is asked about no more.
        asking.ids = rows_of(scene, &asking.ids).map(|row| row.id).collect();
        let n = asking.ids.len() as u64;
        let answer = match asking.act {
            Act::Export => self.export_form(ui, scene, n),
            _ if n == 0 => Some(false),
            Act::Delete => ask(ui, scene, "delete", &scene.count("queue.delete_body", n), true),
            Act::Release => ask(ui, scene, "release", &release_words(scene, &asking.ids), false),
        };
        let Some(answer) = answer else {
            self.asking = Some(asking);
            return;
        };
        if !answer {
            return;
        }
        let ids: Vec<Uuid> = rows_of(scene, &asking.ids).map(|row| row.id).collect();
        scene.run(Command::Queue(match asking.act {
            Act::Delete => QueueCommand::Delete(ids),
            Act::Release => QueueCommand::Release(ids),
            Act::Export => QueueCommand::Export { ids, folder: self.export_folder.trim().into() },
        }));
        if asking.act != Act::Export {
            self.selected.clear();
        }
    }

    fn export_form(&mut self, ui: &Ui, scene: &Scene<'_>, n: u64) -> Option<bool> {
        let mut answer = None;
        let title = scene.text("queue.export_title");
        let closed = dialog::form(ui.ctx(), scene.theme, "export", title, |ui| {
            let words = if n == 0 { scene.text("queue.none_left").to_owned() } else { scene.count("queue.export_body", n) };
            ui.add(Label::new(scene.theme.label(words)).wrap());
            ui.add_space(space::S);
            field::text_field(ui, scene.theme, scene.text("queue.folder"), &mut self.export_folder, scene.text("queue.folder_hint"));
            ui.add_space(space::M);
            let ready = n > 0 && !self.export_folder.trim().is_empty();
            answer = dialog::buttons(ui, scene.theme, scene.text("queue.export_yes"), scene.text("shell.cancel"), (ready, false));
        });
        answer.or(closed.then_some(false))
    }
}

/// The rows that are still there of those named, in the table's order.
fn rows_of<'a>(scene: &'a Scene<'_>, ids: &'a BTreeSet<Uuid>) -> impl Iterator<Item = &'a QueueRow> {
    scene.model.queue.rows.iter().filter(|row| ids.contains(&row.id))
}

/// Both servers by name: nobody sends reports elsewhere unawares.
fn release_words(scene: &Scene<'_>, ids: &BTreeSet<Uuid>) -> String {
    let mut from: Vec<&str> = rows_of(scene, ids).filter(|row| row.foreign).map(|row| row.server_id.as_str()).collect();
    from.sort_unstable();
    from.dedup();
    let n = rows_of(scene, ids).filter(|row| row.foreign).count() as u64;
    let connection = &scene.model.connection;
    let to = if connection.server_id.is_empty() { &scene.model.session.server_url } else { &connection.server_id };
    let key = if n == 1 { "queue.release_body.one" } else { "queue.release_body.many" };
    scene.fill(key, &[("n", &format::count(n)), ("from", &from.join(", ")), ("to", to)])
}

fn ask(ui: &Ui, scene: &Scene<'_>, name: &str, body: &str, destroys: bool) -> Option<bool> {
    let (title, yes) = (format!("queue.{name}_title"), format!("queue.{name}_yes"));
    let language = scene.language;
    let question = Question { title: language.text(&title), body, yes: language.text(&yes), no: scene.text("shell.cancel"), destroys };
    dialog::ask(ui.ctx(), scene.theme, name, &question)
}
