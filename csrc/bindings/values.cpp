#include "bindings/values.h"

#include "base/error.h"

namespace convcorr {
namespace {

Word borders[] = {{"constant", 0}, {"edge", 1}, {"symmetric", 2}, {"reflect", 3}, {"wrap", 4}};

}  // namespace

void wrong_value(const std::string& name, PyObject* got, const std::string& takes) {
  throw ValueError(name + " is " + repr(got) + "; it takes " + takes);
}

void wrong_type(const std::string& name, PyObject* got, const std::string& takes) {
  throw TypeError(name + " is " + repr(got) + " of type " + type_name(got) + "; it takes " + takes);
}

void intern(Word* words, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    words[i].interned = checked(PyUnicode_InternFromString(words[i].text)).release();
  }
}

int read_word(const char* name, PyObject* object, const Word* words, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (object == words[i].interned) return words[i].value;
  }
  std::string takes = "one of";
  for (std::size_t i = 0; i < count; ++i) takes += std::string(i == 0 ? " '" : ", '") + words[i].text + "'";
  if (!PyUnicode_Check(object)) wrong_type(name, object, takes);
  for (std::size_t i = 0; i < count; ++i) {
    if (PyUnicode_CompareWithASCIIString(object, words[i].text) == 0) return words[i].value;
  }
  wrong_value(name, object, takes);
}

index_t read_integer(const std::string& name, PyObject* object, const char* takes) {
  if (PyBool_Check(object) || !PyIndex_Check(object)) wrong_type(name, object, takes);
  const Ref index(PyNumber_Index(object));
  if (!index) {
    PyErr_Clear();
    wrong_type(name, object, takes);
  }
  const index_t value = PyLong_AsSsize_t(index.get());
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    wrong_value(name, object, takes);
  }
  return value;
}

bool is_sequence(PyObject* object) {
  if (PyArray_Check(object)) return PyArray_NDIM(reinterpret_cast<PyArrayObject*>(object)) > 0;
  return PySequence_Check(object) && !PyUnicode_Check(object) && !PyBytes_Check(object);
}

Ref as_tuple(PyObject* sequence) { return checked(PySequence_Tuple(sequence)); }

std::optional<int> read_threads(PyObject* object) {
  if (object == Py_None) return {};
  constexpr const char* takes = "None, or an int of at least 1";
  const index_t n = read_integer("threads", object, takes);
  if (n < 1) wrong_value("threads", object, takes);
  return static_cast<int>(n < 1024 ? n : 1024);
}

Border read_border(const char* name, PyObject* object) { return static_cast<Border>(read_word(name, object, borders)); }

bool is_constant_border(PyObject* object) { return object == borders[0].interned; }

const char* word_of(Border border) { return borders[static_cast<int>(border)].text; }

void intern_borders() { intern(borders); }

}  // namespace convcorr
