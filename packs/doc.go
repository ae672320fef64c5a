// Package packs reads what teams share: a folder with scenarios, plans for them, and policies
// that their calls follow, under a name and a version. Two come with Sagacheck.
package packs
