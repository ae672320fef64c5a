// Package facade is what the Go workers of the engines share: the contract's words,
// its HTTP server, and one attempt of a call. It knows no engine and imports the
// standard library only; it has a module of its own, so that the workers can use
// it from their modules.
package facade
