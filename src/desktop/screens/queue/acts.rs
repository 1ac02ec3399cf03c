//! What can be done with queued reports. What takes something away or sends it elsewhere asks first, and says how many.

use eframe::egui::{Label, Ui};
use uuid::Uuid;

use super::Queue;
use crate::client::{Command, QueueCommand, QueueFilter};
use crate::desktop::theme::space;
use crate::desktop::widgets::dialog::{self, Question};
use crate::desktop::widgets::{button, field};
use crate::desktop::{Scene, format};
use crate::domain::access::Permission;

/// The question that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    Delete,
    Release,
    Export,
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
        let foreign = self.chosen(scene).any(|row| row.foreign);
        ui.horizontal_wrapped(|ui| {
            if waits && button::secondary(ui, theme, scene.text("queue.retry"), may).clicked() {
                scene.run(Command::Queue(QueueCommand::Retry(self.ids(scene))));
            }
            if waits && foreign && button::secondary(ui, theme, scene.text("queue.release"), manages).clicked() {
                self.asking = Some(Asking::Release);
            }
            if button::secondary(ui, theme, scene.text("queue.export"), may).clicked() {
                self.asking = Some(Asking::Export);
            }
            if button::secondary(ui, theme, scene.text("queue.delete"), manages).clicked() {
                self.asking = Some(Asking::Delete);
            }
            if scene.is_panel() && button::secondary(ui, theme, scene.text("queue.history"), n == 1).clicked() {
                self.ids(scene).iter().for_each(|id| scene.run(Command::Queue(QueueCommand::History(*id))));
            }
            let words = if n == 0 { scene.text("queue.select").to_owned() } else { scene.count("queue.selected", n) };
            ui.add(Label::new(theme.hint(words)).truncate());
        });
        ui.add_space(space::XS);
    }

    fn ids(&self, scene: &Scene<'_>) -> Vec<Uuid> {
        self.chosen(scene).map(|row| row.id).collect()
    }

    pub(super) fn questions(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(asking) = self.asking else { return };
        let n = self.selected.len() as u64;
        let answer = match asking {
            Asking::Delete => ask(ui, scene, "delete", &scene.count("queue.delete_body", n), true),
            Asking::Release => ask(ui, scene, "release", &self.release_words(scene), false),
            Asking::Export => self.export_form(ui, scene),
        };
        let Some(answer) = answer else { return };
        self.asking = None;
        if !answer {
            return;
        }
        let ids = self.ids(scene);
        scene.run(Command::Queue(match asking {
            Asking::Delete => QueueCommand::Delete(ids),
            Asking::Release => QueueCommand::Release(ids),
            Asking::Export => QueueCommand::Export { ids, folder: self.export_folder.trim().into() },
        }));
        if asking != Asking::Export {
            self.selected.clear();
        }
    }

    /// Both servers by name: nobody sends reports elsewhere unawares.
    fn release_words(&self, scene: &Scene<'_>) -> String {
        let mut from: Vec<&str> = self.chosen(scene).filter(|row| row.foreign).map(|row| row.server_id.as_str()).collect();
        from.sort_unstable();
        from.dedup();
        let n = self.chosen(scene).filter(|row| row.foreign).count() as u64;
        let connection = &scene.model.connection;
        let to = if connection.server_id.is_empty() { &scene.model.session.server_url } else { &connection.server_id };
        let key = if n == 1 { "queue.release_body.one" } else { "queue.release_body.many" };
        scene.fill(key, &[("n", &format::count(n)), ("from", &from.join(", ")), ("to", to)])
    }

    fn export_form(&mut self, ui: &Ui, scene: &Scene<'_>) -> Option<bool> {
        let mut answer = None;
        let title = scene.text("queue.export_title");
        let closed = dialog::form(ui.ctx(), scene.theme, "export", title, |ui| {
            ui.add(Label::new(scene.theme.label(scene.count("queue.export_body", self.selected.len() as u64))).wrap());
            ui.add_space(space::S);
            field::text_field(ui, scene.theme, scene.text("queue.folder"), &mut self.export_folder, scene.text("queue.folder_hint"));
            ui.add_space(space::M);
            let ready = !self.export_folder.trim().is_empty();
            answer = dialog::buttons(ui, scene.theme, scene.text("queue.export_yes"), scene.text("shell.cancel"), (ready, false));
        });
        answer.or(closed.then_some(false))
    }
}

fn ask(ui: &Ui, scene: &Scene<'_>, name: &str, body: &str, destroys: bool) -> Option<bool> {
    let (title, yes) = (format!("queue.{name}_title"), format!("queue.{name}_yes"));
    let language = scene.language;
    let question = Question { title: language.text(&title), body, yes: language.text(&yes), no: scene.text("shell.cancel"), destroys };
    dialog::ask(ui.ctx(), scene.theme, name, &question)
}
