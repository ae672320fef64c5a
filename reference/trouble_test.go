package reference

import "testing"

func testPostgresTrouble(t *testing.T, pg *postgres) {}
