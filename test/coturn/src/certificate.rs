//! A certificate for the server, made anew each time, that another one between it and the root has
//! issued, as certificates of authorities are.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, Error, IsCa, Issuer, KeyPair};

pub(crate) const CERTIFICATE: &str = "certificate.pem";
pub(crate) const KEY: &str = "key.pem";

/// Writes the certificates of a server at `ip` and its key. Returns the root.
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
    let mut between = CertificateParams::new([])?;
    between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    between
        .distinguished_name
        .push(DnType::CommonName, "between");
    let between_key = KeyPair::generate()?;
    let intermediate = between.signed_by(&between_key, &issuer)?;
    let issuer = Issuer::new(between, between_key);
    let key = KeyPair::generate()?;
    let server = CertificateParams::new([ip.to_string()])?.signed_by(&key, &issuer)?;
    let chain = server.pem() + &intermediate.pem();
    Ok((root.pem(), chain, key.serialize_pem()))
}
