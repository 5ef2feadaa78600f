# Compiler settings shared by every target, and the helper that embeds a file into the binary.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# -O3 costs build time and wins nothing here.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(HERALD_CCACHE ccache)
if(HERALD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${HERALD_CCACHE}")
endif()

add_library(herald_options INTERFACE)
target_include_directories(herald_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(herald_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 at -O2, inside the standard library and CAF.
  target_compile_options(herald_options INTERFACE -Wno-error=maybe-uninitialized -Wno-error=restrict
    -Wno-error=array-bounds -Wno-error=stringop-overflow)
endif()

find_program(HERALD_MOLD mold)
if(HERALD_MOLD)
  target_link_options(herald_options INTERFACE -fuse-ld=mold)
endif()

if(HERALD_SANITIZE)
  set(_flags "-fsanitize=${HERALD_SANITIZE}" -fno-omit-frame-pointer -g1)
  if(HERALD_SANITIZE MATCHES "undefined")
    # CAF's own headers trip null and vptr; both reports are benign and not ours to mend.
    list(APPEND _flags -fno-sanitize=null,vptr -fno-sanitize-recover=undefined)
  endif()
  if(HERALD_SANITIZE MATCHES "thread")
    list(APPEND _flags -Wno-tsan)
  endif()
  target_compile_options(herald_options INTERFACE ${_flags})
  target_link_options(herald_options INTERFACE ${_flags})
endif()

# herald_embed(OUT file symbol): generates a source that holds the file; declares
#   extern "C" const char herald_<symbol>[]; extern "C" const char herald_<symbol>_end[];
function(herald_embed out file symbol)
  set(_source "${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.cpp")
  set(_input "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  file(CONFIGURE OUTPUT "${_source}" CONTENT
"// Generated: the content of ${file}.
asm(\".section .rodata\\n.global herald_@symbol@\\n.global herald_@symbol@_end\\n.balign 16\\n\"
    \"herald_@symbol@:\\n.incbin \\\"@_input@\\\"\\nherald_@symbol@_end:\\n.byte 0\\n.previous\\n\");
" @ONLY)
  set_source_files_properties("${_source}" PROPERTIES OBJECT_DEPENDS "${_input}")
  set(${out} "${_source}" PARENT_SCOPE)
endfunction()
