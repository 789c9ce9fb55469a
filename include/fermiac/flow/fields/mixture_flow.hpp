/// The probability flow of a mixture of Gaussians under diffusion (Song et al., ICLR 2021, arXiv:2011.13456, equation 13).
///
///     dx = -b/2 x dt + sqrt(b) dW,     p_t = sum_k w N(m_k e^{-b t/2}, v_t),     v_t = s^2 e^{-b t} + 1 - e^{-b t}
///     f(z, t) = -b/2 (z + grad log p_t(z))
///
/// The flow carries p_0 to p_t as the diffusion does, without noise: samples of the mixture become nearly standard normal, and
/// back. So its log-density is known at every time.
#pragma once

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// Options: mixture_flow.centres (rows by semicolons), mixture_flow.deviation (s), mixture_flow.rate (b).
FieldKind mixture_flow_kind();

}  // namespace fermiac::flow
