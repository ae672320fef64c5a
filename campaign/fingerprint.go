package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// fingerprint is a short name of plain data, so that what has changed is not taken for
// what it was.
func fingerprint(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // plain data
		panic(err)
	}
	return hashOf(b)
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
