package relay

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// CertificateFile returns where the relay's own certificate and its key lie: beside the data folder, never in it.
func CertificateFile(dir string) string { return filepath.Clean(dir) + ".tls" }

// ownFor is how long a certificate made here says it is good; consoles know it by its key and do not ask.
const ownFor = 20 * 365 * 24 * time.Hour

// OwnCertificate reads the certificate that the relay made for itself, or makes it, and gives its fingerprint, which
// codes carry: the SHA-256 of its public key.
func OwnCertificate(path string) (pair tls.Certificate, fingerprint []byte, err error) {
	raw, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if raw, err = newCertificate(); err == nil {
			err = replace(path, raw)
		}
	}
	if err != nil {
		return pair, nil, fmt.Errorf("the relay's own certificate: %w", err)
	}
	if pair, err = tls.X509KeyPair(raw, raw); err != nil {
		return pair, nil, fmt.Errorf("the relay's own certificate, %s: %w; put back your copy, or remove it and enrol every device anew", path, err)
	}
	sum := sha256.Sum256(pair.Leaf.RawSubjectPublicKeyInfo)
	return pair, sum[:], nil
}

// readPrivate reads a file that its owner alone can read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it; if it may have been read, remove it and enrol every device anew", path)
	}
	return os.ReadFile(path)
}

// newCertificate makes a key and a certificate that it signed itself, in PEM.
func newCertificate() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	about := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "befree relay"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(ownFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), nil
}
