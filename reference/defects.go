package reference

// defects are the switches that are on.
type defects map[string]bool
