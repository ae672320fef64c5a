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
		UnneededCompensation{},
		CompensationOrder{},
		StepOrder{},
		PivotViolation{},
		StuckSaga{},
		LostSaga{},
		FalseStatus{},
		RetriedPermanentError{},
		RetryBudget{},
		BackoffViolation{},
		ThunderingHerd{},
		BreakerViolation{},
		KeyMisuse{},
		UntraceableCall{},
		MangledBody{},
		DegradationFailure{},
		RedundantCall{},
		NotLinearizable{},
		LostUpdate{},
		DirtyRead{},
		ActionAfterTurn{},
		IgnoredRollback{},
		DuplicateSaga{},
	}
}
