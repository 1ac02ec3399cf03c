//! Reports as testers write them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// One run to be reported.
#[derive(Clone, Debug)]
pub struct Sample {
    pub id: Uuid,
    pub part: String,
    pub serial: String,
    pub process: i64,
    pub station: String,
    pub start: DateTime<Utc>,
    /// `P`, `F`, `E` or `T`.
    pub result: &'static str,
    /// The step that failed, where one did.
    pub failed: &'static str,
}

/// 2026-01-05 08:00 UTC, a Monday, and so many seconds.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_600_000 + seconds, 0).unwrap()
}

impl Sample {
    pub fn new(serial: &str, start: DateTime<Utc>, result: &'static str) -> Sample {
        Sample {
            id: Uuid::new_v4(),
            part: "PSU-48V".to_owned(),
            serial: serial.to_owned(),
            process: 100,
            station: "EOL-01".to_owned(),
            start,
            result,
            failed: if result == "F" { "Output voltage" } else { "" },
        }
    }

    pub fn json(&self) -> Value {
        let status = |name: &str| if self.failed == name { "F" } else { "P" };
        json!({
            "id": self.id, "type": "T", "pn": self.part, "sn": self.serial, "rev": "B", "processCode": self.process, "result": self.result,
            "machineName": self.station, "location": "Hala Łódź", "purpose": "Production", "start": self.start.to_rfc3339(),
            "uut": { "user": "op7", "execTime": 12.4, "errorCode": 17, "errorMessage": "", "comment": "próba" },
            "unheardOf": { "kept": [1, 2.50, "ą"] },
            "root": { "stepType": "SequenceCall", "group": "M", "name": "Main", "status": self.result, "steps": [
                { "stepType": "ET_NLT", "group": "M", "name": "Output voltage", "status": status("Output voltage"),
                  "numericMeas": [{ "value": 48.10, "unit": "V", "compOp": "GELE", "lowLimit": 47.5, "highLimit": 48.5, "status": status("Output voltage") }] },
                { "stepType": "ET_PFT", "group": "M", "name": "LED", "status": status("LED"), "booleanMeas": [{ "status": status("LED") }] },
            ] },
        })
    }
}
