# Finds LibTorch without find_package(Torch), which insists on a CUDA toolkit for a CUDA build.
# Looked for in CMAKE_PREFIX_PATH and LIBTORCH (variable or environment), then in .deps (what
# scripts/install_deps.sh fetched), then in an importable Python torch.
# Defines LibTorch::LibTorch and LibTorch_VERSION.
set(_hints ${CMAKE_PREFIX_PATH} ${LIBTORCH} $ENV{LIBTORCH})
file(GLOB _fetched ${CMAKE_SOURCE_DIR}/.deps/python/lib/python3*/site-packages/torch)
list(APPEND _hints ${_fetched})
find_path(LibTorch_INCLUDE_DIR NAMES ATen/ATen.h PATHS ${_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
if(NOT LibTorch_INCLUDE_DIR)
  execute_process(
    COMMAND python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE _python_torch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  find_path(LibTorch_INCLUDE_DIR NAMES ATen/ATen.h PATHS ${_python_torch} PATH_SUFFIXES include NO_DEFAULT_PATH)
endif()
get_filename_component(LibTorch_ROOT "${LibTorch_INCLUDE_DIR}/.." ABSOLUTE)
find_library(LibTorch_TORCH_CPU torch_cpu PATHS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10 c10 PATHS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_TORCH torch PATHS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
# One OpenMP runtime in the process: the one that LibTorch brings.
file(GLOB LibTorch_GOMP ${LibTorch_ROOT}/lib/libgomp*.so* ${LibTorch_ROOT}/../torch.libs/libgomp*.so*)
if(LibTorch_INCLUDE_DIR)
  file(READ ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h _version_text)
  string(REGEX MATCH "TORCH_VERSION_MAJOR ([0-9]+)" _ "${_version_text}")
  set(LibTorch_VERSION ${CMAKE_MATCH_1})
  string(REGEX MATCH "TORCH_VERSION_MINOR ([0-9]+)" _ "${_version_text}")
  string(APPEND LibTorch_VERSION ".${CMAKE_MATCH_1}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_TORCH LibTorch_TORCH_CPU LibTorch_C10 LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/install_deps.sh, or set LIBTORCH to the folder of a LibTorch")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  # -idirafter: the wheel brings its own fmt, google/ and dnnl.h; the system's headers must win.
  set(_includes ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include)
  foreach(_dir IN LISTS _includes)
    target_compile_options(LibTorch::LibTorch INTERFACE "SHELL:-idirafter ${_dir}")
  endforeach()
  # at::parallel_for is a plain loop in code that is compiled without OpenMP. Only the compiler needs
  # the flag: the runtime is LibTorch's, linked below. (clang would ask for a runtime of its own.)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(LibTorch::LibTorch INTERFACE -fopenmp)
  endif()
  # clang takes a precompiled header only where this is as it was there; some modules bring it.
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(LibTorch::LibTorch INTERFACE -pthread)
  endif()
  # A CUDA build works only when its libraries are linked although nothing here names them.
  file(GLOB _cuda ${LibTorch_ROOT}/lib/libtorch_cuda.so ${LibTorch_ROOT}/lib/libc10_cuda.so)
  target_link_libraries(LibTorch::LibTorch INTERFACE
    -Wl,--no-as-needed ${LibTorch_TORCH} ${LibTorch_TORCH_CPU} ${LibTorch_C10} ${_cuda} ${LibTorch_GOMP}
    -Wl,--as-needed -Wl,-rpath,${LibTorch_ROOT}/lib -Wl,--disable-new-dtags)
endif()
