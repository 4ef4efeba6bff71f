// One number for each row of an answer: what a log of predictions compares with the truth.
#pragma once

#include <cstddef>
#include <vector>

#include "domain/tensor.h"

namespace podium::gateway {

/// Of the first limits::kPredictionScores rows. The first output of floating-point numbers that has
/// one for each row (a probability, a quantity) or two (of two classes: the second one's); else the
/// first of whole numbers that has one for each row (a class). Empty when there is none. Pure.
std::vector<double> ScoresOf(const std::vector<Tensor>& outputs, std::size_t rows);

}  // namespace podium::gateway
