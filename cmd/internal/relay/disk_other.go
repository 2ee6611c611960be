//go:build !unix

package relay

func diskFree(string) (uint64, bool) { return 0, false }
