module github.com/sagacheck/sagacheck/engines/facade

go 1.26.0
