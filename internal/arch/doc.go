// Package arch holds the test that the imports point one way. It has no code of
// its own.
package arch
