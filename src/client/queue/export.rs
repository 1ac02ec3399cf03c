//! Writes reports of the queue as files into a folder: each whole or not at all, under a name every system takes.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::super::files;
use super::read::Stored;
use super::{Queue, QueueError};

/// Writes the reports that have a text still, and answers how many. `step` is told how many of `ids` are done
/// and ends the work by answering false.
pub(super) fn run(queue: &Queue, ids: &[Uuid], folder: &Path, mut step: impl FnMut(usize) -> bool) -> Result<u64, QueueError> {
    std::fs::create_dir_all(folder)?;
    let mut written = 0;
    for (done, id) in ids.iter().enumerate() {
        if !step(done) {
            break;
        }
        if let Some(report) = queue.stored(*id)? {
            write(folder, &report)?;
            written += 1;
        }
    }
    files::sync_folder(&folder.join("reports"))?;
    Ok(written)
}

fn write(folder: &Path, report: &Stored) -> Result<(), QueueError> {
    let path = folder.join(file_name(report));
    let mut temporary = path.clone().into_os_string();
    temporary.push(".part");
    let temporary = PathBuf::from(temporary);
    let mut file = File::create(&temporary)?;
    file.write_all(report.text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    Ok(std::fs::rename(&temporary, &path)?)
}

fn file_name(report: &Stored) -> String {
    format!("{}_{}_{}.json", safe(&report.part_number), safe(&report.serial_number), report.id)
}

/// Letters, digits and inner dots; everything else becomes a dash. At most 60 bytes.
fn safe(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        let kept = c.is_alphanumeric() || (c == '.' && !name.is_empty());
        let c = if kept { c } else { '-' };
        if name.len() + c.len_utf8() > 60 {
            break;
        }
        name.push(c);
    }
    if name.is_empty() { "none".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_serial_number_leads_out_of_the_folder() {
        let report = |part: &str, serial: &str| Stored {
            id: Uuid::nil(),
            part_number: part.to_owned(),
            serial_number: serial.to_owned(),
            text: String::new(),
        };
        assert_eq!(file_name(&report("../../etc", "a/b\\c:d*?")), format!("-.-..-etc_a-b-c-d--_{}.json", Uuid::nil()));
        assert_eq!(file_name(&report("", "Łódź\n1")), format!("none_Łódź-1_{}.json", Uuid::nil()));
        assert!(file_name(&report(&"語".repeat(5000), &"語".repeat(99))).len() < 200);
    }
}
