//! A plant's own certificate authorities, from a PEM file.

use std::io;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::files;

/// Largest file that is read, in bytes. The bundle of a whole operating system is a quarter of this.
const LIMIT: u64 = 1024 * 1024;

/// Reads every certificate of a PEM file, as DER. What is no certificate, or none at all, is an error.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let pem = files::read_bounded(path, LIMIT)?;
    let bad = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().map_err(|error| bad(error.to_string()))?;
    let mut store = rustls::RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|error| bad(error.to_string()))?;
    }
    if certificates.is_empty() {
        return Err(bad("there is no certificate in it".to_owned()));
    }
    Ok(certificates.into_iter().map(|certificate| certificate.to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_and_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plant.pem");
        let pem = || rcgen::generate_simple_self_signed(["plant".to_owned()]).unwrap().cert.pem();
        std::fs::write(&path, format!("Our plant\n{}\n{}", pem(), pem())).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
        for bad in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{bad:?}");
        }
        assert_eq!(read(&folder.path().join("nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
