// Values of arguments, read and checked: words, integers, sequences. Every error names the argument.
#pragma once

#include <optional>

#include "bindings/python.h"
#include "problem/problem.h"

namespace convcorr {

[[noreturn]] void wrong_value(const std::string& name, PyObject* got, const std::string& takes);
[[noreturn]] void wrong_type(const std::string& name, PyObject* got, const std::string& takes);

// A word that an argument may be, with its interned string: most calls pass the very same object.
struct Word {
  const char* text;
  int value;
  PyObject* interned = nullptr;
};

void intern(Word* words, std::size_t count);  // call once, at load
int read_word(const char* name, PyObject* object, const Word* words, std::size_t count);

template <std::size_t N>
void intern(Word (&words)[N]) {
  intern(words, N);
}
template <std::size_t N>
int read_word(const char* name, PyObject* object, const Word (&words)[N]) {
  return read_word(name, object, words, N);
}

// An exact integer: bool and float are refused.
index_t read_integer(const std::string& name, PyObject* object, const char* takes);

bool is_sequence(PyObject* object);
Ref as_tuple(PyObject* sequence);

std::optional<int> read_threads(PyObject* object);  // none where it is None

Border read_border(const char* name, PyObject* object);
bool is_constant_border(PyObject* object);  // the very object that the public functions pass as a default
const char* word_of(Border border);

void intern_borders();  // call once, at load

}  // namespace convcorr
