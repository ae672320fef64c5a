// Package orchestrators is how a system under test is started, driven, killed.
//
// A Client drives an orchestrator over HTTP: by the contract (docs/contract.md),
// or by the mapping of a manifest, where the engine has an API of its own. A
// System is an orchestrator that runs: attached by URL, started as processes, or
// as a container. Each engine that comes with Sagacheck has a folder here with
// its manifest (orchestrator.yaml), what it runs, and a README that says what was
// configured and why.
//
// Goals: one way to drive any engine; processes that never outlive us; errors
// that say what the engine answered or logged. Non-goals: running cells (package
// harness), judging (package checkers), SDKs of engines: those stay in the module
// of the engine's own folder.
package orchestrators
