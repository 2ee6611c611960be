package seal

import (
	"crypto/cipher"
	"crypto/rand"

	"golang.org/x/crypto/chacha20poly1305"
)

// wrappedBytes is the size of a wrapped key: nonce, key, tag.
const wrappedBytes = chacha20poly1305.NonceSizeX + chacha20poly1305.KeySize + chacha20poly1305.Overhead

// wrap seals one key of 32 bytes under another, bound to ad.
func wrap(under, key, ad []byte) []byte {
	out := make([]byte, chacha20poly1305.NonceSizeX, wrappedBytes)
	rand.Read(out)
	return cipherUnder(under).Seal(out, out, key, ad)
}

// unwrap is the inverse of wrap; it says no to whatever wrap did not make with the same key and ad.
func unwrap(under, wrapped, ad []byte) (key [32]byte, ok bool) {
	if len(wrapped) != wrappedBytes {
		return key, false
	}
	nonce, sealed := wrapped[:chacha20poly1305.NonceSizeX], wrapped[chacha20poly1305.NonceSizeX:]
	_, err := cipherUnder(under).Open(key[:0], nonce, sealed, ad)
	return key, err == nil
}

// cipherUnder is XChaCha20-Poly1305 under a key of 32 bytes.
func cipherUnder(key []byte) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // for a key of another length alone
	}
	return aead
}
