// Package agents lets a coding agent use Sagacheck: a server of the Model Context Protocol,
// whose tools list, validate, run, explore, look for findings, explain and replay.
//
// Goals: a tool is a command of the command line, and what comes of it is what the command
// would have come to: same checks of what it is given, same folder of the run, same verdict
// and exit code. Its answer is short, since what an agent reads it pays for: lists are cut,
// and say by how much.
//
// Non-goals: running or judging anything itself, and keeping an agent from what the user may
// do: a workflow's file and a manifest name commands, and these are run.
//
// Reading order: program.go (what it stands on), server.go, tools.go, then a file a tool.
package agents
