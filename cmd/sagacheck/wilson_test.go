package main

import "math"

// wilsonUpper is the upper end of the 95 % score interval of a rate (Wilson,
// "Probable Inference", JASA 22, 1927). Where nothing was found there is no lower end, and it
// is a one-sided bound at 97.5 %.
func wilsonUpper(found, n int) float64 {
	if n == 0 {
		return 1
	}
	const z = 1.959964
	p, m := float64(found)/float64(n), float64(n)
	return (p + z*z/(2*m) + z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))) / (1 + z*z/m)
}
