//! A certificate for the server, made anew each time.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, Error, IsCa, Issuer, KeyPair};

pub(crate) const CERTIFICATE: &str = "certificate.pem";
pub(crate) const KEY: &str = "key.pem";

/// Writes a certificate for `ip` and its key. Returns the certificate that issued it.
pub(crate) fn make(ip: IpAddr, directory: &Path) -> io::Result<String> {
    let (root, server, key) = issue(ip).map_err(io::Error::other)?;
    std::fs::write(directory.join(CERTIFICATE), server)?;
    std::fs::write(directory.join(KEY), key)?;
    Ok(root)
}

fn issue(ip: IpAddr) -> Result<(String, String, String), Error> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let server = CertificateParams::new([ip.to_string()])?.signed_by(&key, &issuer)?;
    Ok((root.pem(), server.pem(), key.serialize_pem()))
}
