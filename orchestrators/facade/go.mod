module github.com/sagacheck/sagacheck/orchestrators/facade

go 1.26.0
