package checkers

// All lists the checkers in the order of the catalogue of anomalies.
func All() []Checker {
	return []Checker{
		DuplicateEffect{},
		DoubleCredit{},
		LostCompensation{},
		DuplicateCompensation{},
		EmptyCompensation{},
		HangingAction{},
		InexactCompensation{},
		PartialSuccess{},
		StuckSaga{},
		LostSaga{},
		RetriedPermanentError{},
		RetryBudget{},
		KeyMisuse{},
		NotLinearizable{},
		LostUpdate{},
		DirtyRead{},
	}
}
