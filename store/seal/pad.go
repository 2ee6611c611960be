package seal

import "bytes"

// padBlock is what a plaintext's length is rounded up to, in bytes, so that a sealed length tells little.
const padBlock = 64

// paddedLen is the length of n bytes once padded.
func paddedLen(n int) int { return (n/padBlock + 1) * padBlock }

// pad appends to b, whose plaintext begins at start, a byte 0x80 and zeros up to a whole number of blocks: the padding
// of ISO/IEC 7816-4, which is never empty and so never ambiguous.
func pad(b []byte, start int) []byte {
	end := start + paddedLen(len(b)-start)
	b = append(b, 0x80)
	for len(b) < end {
		b = append(b, 0)
	}
	return b
}

// unpad is the inverse of pad.
func unpad(b []byte) (plain []byte, ok bool) {
	trimmed := bytes.TrimRight(b, "\x00")
	if len(trimmed) == 0 || trimmed[len(trimmed)-1] != 0x80 {
		return nil, false
	}
	n := len(trimmed) - 1
	return b[:n:n], paddedLen(n) == len(b)
}
