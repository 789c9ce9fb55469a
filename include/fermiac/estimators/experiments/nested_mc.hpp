/// Experiment `nested_mc`: expectations of a nonlinear function of a conditional expectation, E g(E[X | Y]), by nested
/// sampling.
///
/// Y ~ Gamma(k, 1), X | Y ~ N(a Y, b Y), so that E[X | Y] = a Y. Two functions g: `square`, with E g = a^2 k (k + 1), and
/// `positive_part` (x - c)+, whose kink is what risk measures and option prices have. An estimate may spend T = nested.draws
/// inner draws of X. Means of n inner draws at a given Y are drawn by their law, N(a Y, b Y / n), in one number.
///
/// | estimator   | formula                                                                                         |
/// |-------------|-------------------------------------------------------------------------------------------------|
/// | plain       | mean over M = T / n outer Y of g(mean of n inner draws)                                         |
/// | exact_inner | the same Y, g(a Y): what a conditional expectation in closed form would gain                    |
/// | multilevel  | sum over levels l = 0 ... L of means over M_l of D_l                                            |
/// | single_term | mean over M of D_l / p_l, each l = 0, 1, ... drawn with probability p_l = (1 - 2^-r) 2^(-r l)   |
///
/// D_0 = g(mean of n_0), and for l > 0 the antithetic difference of n_l = n_0 2^l inner draws and their two halves,
/// D_l = g((h + h')/2) - (g(h) + g(h'))/2, n_0 = multilevel.coarsest; r = single_term.decay.
///
/// nested.allocation = "fixed" takes n = nested.inner and the first n_L >= n; "balanced" n = round(T^(1/3)) (which balances
/// squared bias and variance) and the first n_L >= sqrt(T). M_l is round(T w_l / n_l), at least 1, w_l ~ 2^(-l/4) adding up to
/// 1, the optimal shares where Var D_l ~ 2^(-3/2 l); M of single_term is T over the mean cost of a term, at least 1.
///
/// | what is known       | square                           | positive_part                                    |
/// |---------------------|----------------------------------|--------------------------------------------------|
/// | bias of plain       | b k / n                          | quadrature over Y of a Gaussian integral         |
/// | bias of multilevel  | b k / n_L (the sum telescopes)   | the same at n_L                                  |
/// | bias of single_term | 0                                | 0                                                |
/// | variances           | moments of Gamma                 | quadrature over Y, twofold for E D_l^2           |
/// | moments of D_l/p_l  | finite below r / (r - 1)         | finite below (r + 1/2)/(r - 1/2)                 |
///
/// Uniforms reach levels of probability 2^-53, and so do the sums of the truths of single_term.
///
/// The mean cost of a single term is finite for r > 1 only, its variance for r < 2 (square) and r < 3/2 (positive_part).
///
/// K. Bujok, B. M. Hambly, C. Reisinger, Multilevel simulation of functionals of Bernoulli random variables with application to
/// basket credit derivatives, Methodol. Comput. Appl. Probab. 17, 579 (2015); M. B. Giles, Multilevel Monte Carlo methods, Acta
/// Numerica 24, 259 (2015), section 9; C.-H. Rhee, P. W. Glynn, Unbiased estimation with square root convergence for SDE
/// models, Oper. Res. 63, 1026 (2015).
///
/// @throws InputError  naming nested.inner where it exceeds nested.draws
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> nested_mc();

}  // namespace fermiac::estimators
